CREATE TABLE meta (
	meta_key text NOT NULL,
	meta_value text NOT NULL,
	PRIMARY KEY (meta_key)
) WITHOUT ROWID;

CREATE TABLE pools (
	pool_id text NOT NULL,
	name text NOT NULL,
	doc text,
	version bigint NOT NULL,
	created_at bigint NOT NULL,
	updated_at bigint NOT NULL,
	PRIMARY KEY (pool_id)
);

CREATE TABLE clients (
	pool_id text NOT NULL,
	client_id text NOT NULL,
	name text NOT NULL,
	doc text,
	version bigint NOT NULL,
	created_at bigint NOT NULL,
	updated_at bigint NOT NULL,
	PRIMARY KEY (pool_id, client_id)
);
CREATE UNIQUE INDEX clients_by_id ON clients (client_id);

CREATE TABLE users (
	pool_id text NOT NULL,
	sub text NOT NULL,
	username text NOT NULL,
	status text NOT NULL,
	enabled boolean NOT NULL,
	attributes text,
	credential blob,
	password_expires bigint NOT NULL,
	tokens_valid_after bigint NOT NULL,
	doc text,
	lookups text NOT NULL,
	version bigint NOT NULL,
	created_at bigint NOT NULL,
	updated_at bigint NOT NULL,
	PRIMARY KEY (pool_id, sub)
);

CREATE TABLE user_names (
	pool_id text NOT NULL,
	value text NOT NULL,
	kind text NOT NULL,
	sub text NOT NULL,
	PRIMARY KEY (pool_id, value)
) WITHOUT ROWID;

CREATE TABLE user_index (
	pool_id text NOT NULL,
	attribute text NOT NULL,
	value text NOT NULL,
	sub text NOT NULL,
	PRIMARY KEY (pool_id, attribute, value, sub)
) WITHOUT ROWID;

CREATE TABLE user_groups (
	pool_id text NOT NULL,
	group_name text NOT NULL,
	description text NOT NULL,
	role_arn text NOT NULL,
	precedence bigint,
	created_at bigint NOT NULL,
	updated_at bigint NOT NULL,
	PRIMARY KEY (pool_id, group_name)
) WITHOUT ROWID;

CREATE TABLE group_members (
	pool_id text NOT NULL,
	sub text NOT NULL,
	group_name text NOT NULL,
	created_at bigint NOT NULL,
	PRIMARY KEY (pool_id, sub, group_name)
) WITHOUT ROWID;
CREATE INDEX group_members_by_group ON group_members (pool_id, group_name, sub);

CREATE TABLE codes (
	pool_id text NOT NULL,
	sub text NOT NULL,
	purpose text NOT NULL,
	hash blob,
	destination text NOT NULL,
	guesses_left bigint NOT NULL,
	expires_at bigint NOT NULL,
	created_at bigint NOT NULL,
	PRIMARY KEY (pool_id, sub, purpose)
) WITHOUT ROWID;
CREATE INDEX codes_by_expiry ON codes (expires_at);

CREATE TABLE attempts (
	pool_id text NOT NULL,
	subject text NOT NULL,
	kind text NOT NULL,
	counted bigint NOT NULL,
	last_at bigint NOT NULL,
	expires_at bigint NOT NULL,
	PRIMARY KEY (pool_id, subject, kind)
) WITHOUT ROWID;
CREATE INDEX attempts_by_expiry ON attempts (expires_at);

CREATE TABLE revocations (
	pool_id text NOT NULL,
	origin_jti text NOT NULL,
	expires_at bigint NOT NULL,
	PRIMARY KEY (pool_id, origin_jti)
) WITHOUT ROWID;
CREATE INDEX revocations_by_expiry ON revocations (expires_at);

CREATE TABLE used_ids (
	pool_id text NOT NULL,
	used_id text NOT NULL,
	expires_at bigint NOT NULL,
	PRIMARY KEY (pool_id, used_id)
) WITHOUT ROWID;
CREATE INDEX used_ids_by_expiry ON used_ids (expires_at);

CREATE TABLE refresh_families (
	pool_id text NOT NULL,
	origin_jti text NOT NULL,
	generation bigint NOT NULL,
	rotated_at bigint NOT NULL,
	expires_at bigint NOT NULL,
	PRIMARY KEY (pool_id, origin_jti)
) WITHOUT ROWID;
CREATE INDEX refresh_families_by_expiry ON refresh_families (expires_at);

CREATE TABLE signing_keys (
	pool_id text NOT NULL,
	key_id text NOT NULL,
	key_use text NOT NULL,
	sealed blob,
	public_key blob,
	active boolean NOT NULL,
	created_at bigint NOT NULL,
	retired_at bigint NOT NULL,
	PRIMARY KEY (pool_id, key_id)
);

CREATE TABLE functions (
	region text NOT NULL,
	name text NOT NULL,
	doc text,
	version bigint NOT NULL,
	created_at bigint NOT NULL,
	updated_at bigint NOT NULL,
	PRIMARY KEY (region, name)
);

CREATE TABLE function_versions (
	region text NOT NULL,
	name text NOT NULL,
	version_number bigint NOT NULL,
	doc text,
	created_at bigint NOT NULL,
	PRIMARY KEY (region, name, version_number)
);

CREATE TABLE function_aliases (
	region text NOT NULL,
	name text NOT NULL,
	alias text NOT NULL,
	doc text,
	version bigint NOT NULL,
	PRIMARY KEY (region, name, alias)
);

CREATE TABLE code_blobs (
	sha256 text NOT NULL,
	content blob,
	PRIMARY KEY (sha256)
);

CREATE TABLE access_keys (
	key_id text NOT NULL,
	sealed blob,
	doc text,
	created_at bigint NOT NULL,
	PRIMARY KEY (key_id)
);
