-- KEYS: outbox, channel. ARGV: what is void.
for _, voided in ipairs(ARGV) do
  announce(voided)
end
