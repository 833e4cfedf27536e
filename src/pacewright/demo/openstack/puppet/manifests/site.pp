# Neutron's API and RPC servers on a Pacemaker cluster: the same manifest on every node, in whatever order they come.
# Nothing here says which node is the first one, or in which step it is.

include pacewright
include neutron
include neutron::logging
include neutron::plugins::ml2
include neutron::server::notifications::nova
include neutron::wsgi::uwsgi

class { 'neutron::server':
  sync_db => $facts['pacemaker']['is_leader'],
}

# puppet-neutron is as it comes; its services are operated by the cluster from here on.
Service<| tag == 'neutron-service' |> {
  provider => 'pcs',
}

# Not two versions at the same time: stopped everywhere before the first package is upgraded, started after the last.
pacewright_stopped { 'neutron':
  services => ['neutron-api', 'neutron-rpc-server'],
  packages => ['neutron', 'neutron-api', 'neutron-rpc-server'],
  before   => Anchor['neutron::install::begin'],
}
