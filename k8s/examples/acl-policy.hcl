# All that the connector needs: the leaf of the service the gateway is. The roots need nothing.
# With _AMBASSADOR_ID=edge the service is "ambassador-edge"; with _CONSUL_SERVICE, whatever that says.
#
#   consul acl policy create -name ambassador-consul-connector -rules @k8s/examples/acl-policy.hcl
#   consul acl token create -policy-name ambassador-consul-connector
service "ambassador" {
  policy = "write"
}
