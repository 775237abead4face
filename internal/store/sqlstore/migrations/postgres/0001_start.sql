CREATE TABLE meta (
	meta_key text COLLATE "C" NOT NULL,
	meta_value text COLLATE "C" NOT NULL,
	PRIMARY KEY (meta_key)
);

CREATE TABLE pools (
	pool_id text COLLATE "C" NOT NULL,
	name text COLLATE "C" NOT NULL,
	doc text COLLATE "C",
	version bigint NOT NULL,
	created_at bigint NOT NULL,
	updated_at bigint NOT NULL,
	PRIMARY KEY (pool_id)
);

CREATE TABLE clients (
	pool_id text COLLATE "C" NOT NULL,
	client_id text COLLATE "C" NOT NULL,
	name text COLLATE "C" NOT NULL,
	doc text COLLATE "C",
	version bigint NOT NULL,
	created_at bigint NOT NULL,
	updated_at bigint NOT NULL,
	PRIMARY KEY (pool_id, client_id)
);
CREATE UNIQUE INDEX clients_by_id ON clients (client_id);

CREATE TABLE users (
	pool_id text COLLATE "C" NOT NULL,
	sub text COLLATE "C" NOT NULL,
	username text COLLATE "C" NOT NULL,
	status text COLLATE "C" NOT NULL,
	enabled boolean NOT NULL,
	attributes text COLLATE "C",
	credential bytea,
	password_expires bigint NOT NULL,
	tokens_valid_after bigint NOT NULL,
	doc text COLLATE "C",
	lookups text COLLATE "C" NOT NULL,
	version bigint NOT NULL,
	created_at bigint NOT NULL,
	updated_at bigint NOT NULL,
	PRIMARY KEY (pool_id, sub)
);

CREATE TABLE user_names (
	pool_id text COLLATE "C" NOT NULL,
	value text COLLATE "C" NOT NULL,
	kind text COLLATE "C" NOT NULL,
	sub text COLLATE "C" NOT NULL,
	PRIMARY KEY (pool_id, value)
);

CREATE TABLE user_index (
	pool_id text COLLATE "C" NOT NULL,
	attribute text COLLATE "C" NOT NULL,
	value text COLLATE "C" NOT NULL,
	sub text COLLATE "C" NOT NULL,
	PRIMARY KEY (pool_id, attribute, value, sub)
);

CREATE TABLE user_groups (
	pool_id text COLLATE "C" NOT NULL,
	group_name text COLLATE "C" NOT NULL,
	description text COLLATE "C" NOT NULL,
	role_arn text COLLATE "C" NOT NULL,
	precedence bigint,
	created_at bigint NOT NULL,
	updated_at bigint NOT NULL,
	PRIMARY KEY (pool_id, group_name)
);

CREATE TABLE group_members (
	pool_id text COLLATE "C" NOT NULL,
	sub text COLLATE "C" NOT NULL,
	group_name text COLLATE "C" NOT NULL,
	created_at bigint NOT NULL,
	PRIMARY KEY (pool_id, sub, group_name)
);
CREATE INDEX group_members_by_group ON group_members (pool_id, group_name, sub);

CREATE TABLE codes (
	pool_id text COLLATE "C" NOT NULL,
	sub text COLLATE "C" NOT NULL,
	purpose text COLLATE "C" NOT NULL,
	hash bytea,
	destination text COLLATE "C" NOT NULL,
	guesses_left bigint NOT NULL,
	expires_at bigint NOT NULL,
	created_at bigint NOT NULL,
	PRIMARY KEY (pool_id, sub, purpose)
);
CREATE INDEX codes_by_expiry ON codes (expires_at);

CREATE TABLE attempts (
	pool_id text COLLATE "C" NOT NULL,
	subject text COLLATE "C" NOT NULL,
	kind text COLLATE "C" NOT NULL,
	counted bigint NOT NULL,
	last_at bigint NOT NULL,
	expires_at bigint NOT NULL,
	PRIMARY KEY (pool_id, subject, kind)
);
CREATE INDEX attempts_by_expiry ON attempts (expires_at);

CREATE TABLE revocations (
	pool_id text COLLATE "C" NOT NULL,
	origin_jti text COLLATE "C" NOT NULL,
	expires_at bigint NOT NULL,
	PRIMARY KEY (pool_id, origin_jti)
);
CREATE INDEX revocations_by_expiry ON revocations (expires_at);

CREATE TABLE used_ids (
	pool_id text COLLATE "C" NOT NULL,
	used_id text COLLATE "C" NOT NULL,
	expires_at bigint NOT NULL,
	PRIMARY KEY (pool_id, used_id)
);
CREATE INDEX used_ids_by_expiry ON used_ids (expires_at);

CREATE TABLE refresh_families (
	pool_id text COLLATE "C" NOT NULL,
	origin_jti text COLLATE "C" NOT NULL,
	generation bigint NOT NULL,
	rotated_at bigint NOT NULL,
	expires_at bigint NOT NULL,
	PRIMARY KEY (pool_id, origin_jti)
);
CREATE INDEX refresh_families_by_expiry ON refresh_families (expires_at);

CREATE TABLE signing_keys (
	pool_id text COLLATE "C" NOT NULL,
	key_id text COLLATE "C" NOT NULL,
	key_use text COLLATE "C" NOT NULL,
	sealed bytea,
	public_key bytea,
	active boolean NOT NULL,
	created_at bigint NOT NULL,
	retired_at bigint NOT NULL,
	PRIMARY KEY (pool_id, key_id)
);

CREATE TABLE functions (
	region text COLLATE "C" NOT NULL,
	name text COLLATE "C" NOT NULL,
	doc text COLLATE "C",
	version bigint NOT NULL,
	created_at bigint NOT NULL,
	updated_at bigint NOT NULL,
	PRIMARY KEY (region, name)
);

CREATE TABLE function_versions (
	region text COLLATE "C" NOT NULL,
	name text COLLATE "C" NOT NULL,
	version_number bigint NOT NULL,
	doc text COLLATE "C",
	created_at bigint NOT NULL,
	PRIMARY KEY (region, name, version_number)
);

CREATE TABLE function_aliases (
	region text COLLATE "C" NOT NULL,
	name text COLLATE "C" NOT NULL,
	alias text COLLATE "C" NOT NULL,
	doc text COLLATE "C",
	version bigint NOT NULL,
	PRIMARY KEY (region, name, alias)
);

CREATE TABLE code_blobs (
	sha256 text COLLATE "C" NOT NULL,
	content bytea,
	PRIMARY KEY (sha256)
);

CREATE TABLE access_keys (
	key_id text COLLATE "C" NOT NULL,
	sealed bytea,
	doc text COLLATE "C",
	created_at bigint NOT NULL,
	PRIMARY KEY (key_id)
);
