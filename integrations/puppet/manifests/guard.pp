# @summary Keeps package upgrades and needrestart from restarting what the cluster runs.
#
# @api private
class pacewright::guard {
  if $pacewright::guard {
    $place = '/usr/sbin/policy-rc.d'
    $ours = '/usr/lib/pacewright/policy-rc.d'
    $path = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

    # One that is no alternative stays in force: ours asks it about everything that the cluster does not run.
    exec { 'pacewright: the policy-rc.d that was there before':
      command => "mkdir -p /etc/pacewright && mv ${place} /etc/pacewright/policy-rc.d",
      onlyif  => "test -f ${place} && ! test -L ${place}",
      path    => $path,
    }
    -> exec { 'pacewright: policy-rc.d':
      command => "update-alternatives --install ${place} policy-rc.d ${ours} 50 && update-alternatives --set policy-rc.d ${ours}",
      unless  => "test \"$(readlink -f ${place})\" = ${ours}",
      path    => $path,
    }

    file { ['/etc/needrestart', '/etc/needrestart/conf.d']:
      ensure => directory,
      owner  => 'root',
      group  => 'root',
      mode   => '0755',
    }
    file { '/etc/needrestart/conf.d/pacewright.conf':
      ensure => file,
      owner  => 'root',
      group  => 'root',
      mode   => '0644',
      source => 'puppet:///modules/pacewright/needrestart.conf',
    }
  }
}
