# frozen_string_literal: true

require 'yaml'

# A value as a YAML document.
Puppet::Functions.create_function(:'pacewright::yaml') do
  # @param value what to write
  # @return [String] the document
  dispatch :yaml do
    param 'Any', :value
    return_type 'String'
  end

  def yaml(value)
    value.to_yaml
  end
end
