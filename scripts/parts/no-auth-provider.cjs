'use strict';
// In place of the auth-providers of KubeConfig, with their OpenID Connect client and JSONPath: kubectl has plugins instead, and
// the program refuses a kubeconfig that needs them. The plugins it runs itself, within a deadline.
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
