# The only permission that the connector needs: for the leaf of the gateway's Consul service. The roots need none.
# With _AMBASSADOR_ID=edge the service is "ambassador-edge"; with _CONSUL_SERVICE it is the value of that variable.
#
#   consul acl policy create -name ambassador-consul-connector -rules @k8s/examples/acl-policy.hcl
#   consul acl token create -policy-name ambassador-consul-connector
service "ambassador" {
  policy = "write"
}
