# Lets the gateway call `qotm` if the mesh denies by default; the equivalent of service-intentions.yaml without consul-k8s.
# For Consul 1.9 and newer:
#
#   consul config write k8s/examples/service-intentions.hcl
#
# It replaces every intention whose destination is `qotm`: list the other sources too. Before 1.9:
#   consul intention create -allow ambassador qotm
Kind = "service-intentions"
Name = "qotm"
Sources = [
  {
    Name   = "ambassador"
    Action = "allow"
  }
]
