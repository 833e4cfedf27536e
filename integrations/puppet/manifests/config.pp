# @summary What the program reads, and the guards.
#
# @api private
class pacewright::config {
  if $pacewright::manage_services {
    file { '/etc/pacewright':
      ensure => directory,
      owner  => 'root',
      group  => 'root',
      mode   => '0755',
    }
    # A file that means nothing never replaces one that does: the program ends with 2 for it, whatever the cluster does.
    file { '/etc/pacewright/services.yaml':
      ensure       => file,
      owner        => 'root',
      group        => 'root',
      mode         => '0644',
      content      => "# Managed by Puppet (class pacewright).\n${pacewright::yaml({ 'services' => $pacewright::services })}",
      validate_cmd => '/bin/sh -c \'pacewright service list --config % >/dev/null; test $? -ne 2\'',
    }
  }
}
