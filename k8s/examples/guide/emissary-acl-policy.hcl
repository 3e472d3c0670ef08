# For the token of Emissary's ConsulResolver, which reads the catalog. The connector needs another one: acl-policy.hcl.
service_prefix "" {
  policy = "read"
}
node_prefix "" {
  policy = "read"
}
