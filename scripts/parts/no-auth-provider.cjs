'use strict';
// Replaces the auth-providers of KubeConfig, with their OpenID Connect client and JSONPath: kubectl has plugins instead, and the
// program rejects a kubeconfig that needs them. It runs plugins itself, with a deadline.
class NoAuthProvider {
  isAuthProvider() {
    return false;
  }
}

module.exports = {
  AzureAuth: NoAuthProvider,
  ExecAuth: NoAuthProvider,
  GoogleCloudPlatformAuth: NoAuthProvider,
  OpenIDConnectAuth: NoAuthProvider,
};
