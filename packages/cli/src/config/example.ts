/** The configuration that `brimful init` writes. `schema`: where the JSON Schema is, relative to it. */
export function exampleConfig(schema: string): string {
  return `# yaml-language-server: $schema=${schema}
#
# Brimful: which sources to read and which destinations to keep current.
# \${NAME} is replaced from the environment, \${NAME:-otherwise} has a default. Secrets belong there, not here.

captures:
  # <prefix>/<name>: the prefix begins the names of the collections.
  app/postgres:
    connector: postgres
    config:
      url: \${SOURCE_DATABASE_URL}
    # All tables of these schemas, and new ones by themselves as they appear.
    autoDiscover:
      schemas: [public]
      # exclude: [public.tmp_*]
    # Tables with a collection name of your choosing:
    # bindings:
    #   - { resource: public.orders, target: app/orders }

materializations:
  app/warehouse:
    connector: duckdb
    config:
      path: warehouse.duckdb
    # All collections of this capture become tables.
    source: app/postgres
    # deletes: soft          # deleted rows stay, with _brimful_deleted_at set
    # bindings:              # collections with a table or options of their own
    #   - { source: app/orders, table: orders_live }

  # A second Postgres as the destination:
  # app/replica:
  #   connector: postgres
  #   config:
  #     url: \${TARGET_DATABASE_URL}
  #   source: app/postgres

# Journals and checkpoints, relative to this file. Needs about the compressed size of the source.
dataDirectory: ./data

# limits:
#   diskFree: 2 GiB        # captures pause while the disk has less left than this
#   retention: 7d          # history that every destination has is forgotten after this

# Alerts are shown in the pages and by "brimful status", and sent to a webhook:
# alerts:
#   webhook: \${ALERT_WEBHOOK_URL}
#   lag: 5m                # a stream or table older than this

# Pages and API: http://127.0.0.1:4646 unless said otherwise. For other machines, set a password.
# server:
#   host: 0.0.0.0
#   password: \${BRIMFUL_PASSWORD}
`;
}

/** What `brimful init --empty` writes. */
export function emptyConfig(schema: string): string {
  return `# yaml-language-server: $schema=${schema}
#
# Brimful: which sources to read and which destinations to keep current. Add them in the pages, or here.

captures: {}

materializations: {}

# Journals and checkpoints, relative to this file. Needs about the compressed size of the source.
dataDirectory: ./data
`;
}
