# What the cookies of Rails (ActionDispatch) hold, as JSON for the gallery; and whether they read what was made there: one cookie of either
# key derivation.

require 'action_dispatch'
require 'active_support/all'
require 'active_support/messages/rotation_configuration'
require 'json'
require 'stringio'

BASE = '0123456789abcdef0123456789abcdef'

# Later Rails derives by SHA-256 (`hash_digest_class`), which is all that differs.
class LaterKeys < ActiveSupport::KeyGenerator
  def generate_key(salt, size = 64)
    OpenSSL::PKCS5.pbkdf2_hmac(@secret, salt, 1000, size, 'SHA256')
  end
end

def jar(sent = {}, base: BASE, later: false, serializer: :json)
  keys = (later ? LaterKeys : ActiveSupport::KeyGenerator).new(base, iterations: 1000)
  request = ActionDispatch::Request.new(
    'action_dispatch.key_generator' => keys,
    'action_dispatch.signed_cookie_salt' => 'signed cookie',
    'action_dispatch.secret_key_base' => base,
    'action_dispatch.cookies_serializer' => serializer,
    'action_dispatch.use_cookies_with_metadata' => true,
    'action_dispatch.cookies_rotations' => ActiveSupport::Messages::RotationConfiguration.new,
    'rack.input' => StringIO.new
  )
  ActionDispatch::Cookies::CookieJar.build(request, sent)
end

# As it stands in `Set-Cookie`, in which it is percent-encoded.
def cookie(name, value, **how)
  jar = jar(**how)
  jar.signed[name] = value
  sent = {}
  jar.write(sent)
  sent['Set-Cookie'].split('; ').first
end

made = []
make = ->(name, cookie) { made << { path: '/rails', name: name, cookie: cookie } }
hour = Time.now + 3600
[false, true].each do |later|
  make.call('jacob', cookie('user_id', 50, later: later))
  make.call('emma', cookie('user_id', { value: 7, expires: hour }, later: later))
  make.call(nil, cookie('user_id', { value: 7, expires: Time.now - 3600 }, later: later))
  make.call(nil, cookie('user_id', 7, later: later, base: 'f' * 32))
  make.call(nil, cookie('user_id', 7, later: later, serializer: :marshal))
  make.call(nil, cookie('other', 7, later: later).sub('other=', 'user_id='))
end
make.call(nil, cookie('user_id', 1))

ours = JSON.parse($stdin.read)
raise 'ours' unless jar({ 'user_id' => ours['rails'] }, later: true).signed['user_id'] == 7
raise 'ours, older' unless jar({ 'user_id' => ours['rails_older'] }).signed['user_id'] == 7
raise 'moved' unless jar({ 'other' => ours['rails'] }, later: true).signed['other'].nil?
puts JSON.generate(made)
