CREATE TABLE documents (
	kind text COLLATE "C" NOT NULL,
	scope text COLLATE "C" NOT NULL,
	name text COLLATE "C" NOT NULL,
	content bytea,
	version bigint NOT NULL,
	updated_at bigint NOT NULL,
	expires_at bigint NOT NULL,
	PRIMARY KEY (kind, scope, name)
);
CREATE INDEX documents_by_expiry ON documents (expires_at);
