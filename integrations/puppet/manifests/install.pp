# @summary The program.
#
# @api private
class pacewright::install {
  if $pacewright::manage_package {
    package { 'pacewright':
      ensure   => $pacewright::package_ensure,
      name     => $pacewright::package_name,
      source   => $pacewright::package_source,
      provider => $pacewright::package_provider,
    }
  }
}
