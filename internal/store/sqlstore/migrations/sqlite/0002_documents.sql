CREATE TABLE documents (
	kind text NOT NULL,
	scope text NOT NULL,
	name text NOT NULL,
	content blob,
	version bigint NOT NULL,
	updated_at bigint NOT NULL,
	expires_at bigint NOT NULL,
	PRIMARY KEY (kind, scope, name)
);
CREATE INDEX documents_by_expiry ON documents (expires_at);
