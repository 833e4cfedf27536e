# frozen_string_literal: true

require 'open3'
require 'spec_helper'

describe 'the fact pacemaker' do
  def fact(path: ENV.fetch('PATH'))
    out, = Open3.capture2({ 'PATH' => path }, "#{MODULE}/facts.d/pacemaker")
    JSON.parse(out).fetch('pacemaker')
  end

  it 'is what `pacewright fact` tells' do
    File.write("#{@folder}/pacewright", "#!/bin/sh\n[ \"$*\" = fact ] && echo '{\"running\": true, \"is_leader\": true}'\n")
    expect(fact).to eq('running' => true, 'is_leader' => true)
  end

  it 'has the same shape before the program is there' do
    File.delete("#{@folder}/pacewright")
    expect(fact).to include('running' => false, 'leader' => nil, 'is_leader' => false, 'quorate' => false, 'nodes' => {}, 'services' => {}, 'error' => 'pacewright is not installed')
  end

  ['exit 1', 'echo nonsense', 'echo {; kill -9 $$'].each do |body|
    it "never says that this node leads when the program does not answer (#{body})" do
      File.write("#{@folder}/pacewright", "#!/bin/sh\n#{body}\n")
      expect(fact).to include('running' => false, 'is_leader' => false, 'error' => 'pacewright did not answer')
    end
  end

  it 'is there within seconds whatever hangs' do
    File.write("#{@folder}/pacewright", "#!/bin/sh\nexec sleep 60\n")
    began = Time.now
    expect(fact).to include('is_leader' => false)
    expect(Time.now - began).to be < 8
  end

  it 'has a name by which Facter takes it for a program' do
    expect(File.extname("#{MODULE}/facts.d/pacemaker")).to eq('')
    expect(File.executable?("#{MODULE}/facts.d/pacemaker")).to be(true)
  end
end
