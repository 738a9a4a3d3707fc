"""Workers as processes against the session's real Kafka, registry and PostgreSQL, compared with the law."""
