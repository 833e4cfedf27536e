# @summary What a node needs so that Puppet can manage the services that Pacemaker runs.
#
# The program `pacewright`, its `/etc/pacewright/services.yaml`, and the guards that keep package upgrades and needrestart
# from restarting such services behind the cluster's back. Include it first.
#
# @example With Hiera
#   include pacewright
#   Service <| tag == 'neutron-service' |> { provider => 'pcs' }
#
# @param manage_package
#   Whether the program is installed by this class.
# @param package_name
#   The package that holds it.
# @param package_ensure
#   Its version, `installed` or `latest`.
# @param package_source
#   A file to install it from, for a site without a repository that has it.
# @param package_provider
#   What installs it; needed with `package_source`, which not every provider knows.
# @param services
#   What stands in `services.yaml`, by service. Merged deeply over Hiera's levels.
# @param manage_services
#   Whether `services.yaml` is written by this class.
# @param guard
#   Whether package upgrades and needrestart are kept from restarting what the cluster runs.
# @param resources
#   Resources of the cluster, by id, with the attributes of `pacewright_resource`. Merged deeply over Hiera's levels.
class pacewright (
  Boolean $manage_package = true,
  String[1] $package_name = 'pacewright',
  String[1] $package_ensure = 'installed',
  Optional[String[1]] $package_source = undef,
  Optional[String[1]] $package_provider = undef,
  Hash[String[1], Hash[String[1], Any]] $services = {},
  Boolean $manage_services = true,
  Boolean $guard = true,
  Hash[String[1], Hash[String[1], Any]] $resources = {},
) {
  contain pacewright::install
  contain pacewright::config
  contain pacewright::guard
  Class['pacewright::install'] -> Class['pacewright::config'] -> Class['pacewright::guard']

  $resources.each |$id, $said| {
    pacewright_resource { $id:
      require => Class['pacewright::guard'],
      *       => $said,
    }
  }
}
