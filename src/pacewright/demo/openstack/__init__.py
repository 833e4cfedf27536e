"""The mail's scenario on the real things: Puppet deploys and changes Neutron on a cluster of three nodes."""
