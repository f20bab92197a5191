-- Prosody in the lab: the accounts of the case, components with its secret.
-- What stands in double braces is filled in by prosody.mjs.
pidfile = "{{FOLDER}}/prosody.pid"
data_path = "{{FOLDER}}/data"
-- The lab's run ends all of its processes itself, and its folders are root's.
run_as_root = true
prosody_user = "root"
prosody_group = "root"
modules_enabled = {
  "roster", "saslauth", "tls", "disco", "ping", "time", "carbons", "smacks", "websocket",
  "external_services",
}
modules_disabled = { "s2s" }
authentication = "internal_hashed"
storage = "internal"
c2s_require_encryption = false
interfaces = { "127.0.0.1" }
c2s_ports = { {{CLIENT_PORT}} }
http_ports = { {{HTTP_PORT}} }
http_interfaces = { "127.0.0.1" }
https_ports = {}
http_default_host = "xmpp.test"
consider_websocket_secure = true
cross_domain_websocket = true
component_ports = { {{COMPONENT_PORT}} }
component_interfaces = { "127.0.0.1" }
smacks_hibernation_time = 60
limits = { c2s = { rate = "10mb/s" } }
-- A user of the lab sends an attribute of 500 KB, and the component is to see it.
c2s_stanza_size_limit = 1024 * 1024
log = { debug = "*console" }

VirtualHost "xmpp.test"
  ssl = { key = "{{KEY}}", certificate = "{{CERTIFICATE}}" }

{{COMPONENTS}}
