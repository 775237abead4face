// S3 with the AWS SDK for JavaScript v3 as tools use it: default checksums (a
// trailer, where the body is a stream), uploads in parts, presigned addresses.
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  NoSuchKey,
  NotFound,
  PutObjectCommand,
  S3Client,
  paginateListObjectsV2,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';

const s3 = new S3Client({}); // endpoint, region and keys from the environment
const Bucket = 'my-bucket';

/** A stream whose length nobody knows before it ends. */
const stream = (data) => Readable.from((function* () {
  for (let i = 0; i < data.length; i += 64 << 10) yield data.subarray(i, i + (64 << 10));
})());

/** Notes what a client sends. */
function sent(client) {
  const headers = [];
  client.middlewareStack.add((next) => (args) => {
    headers.push(args.request.headers);
    return next(args);
  }, { step: 'finalizeRequest', priority: 'low' });
  return headers;
}

const data = Buffer.alloc(12 << 20, '0123456789abcdef');

test('a bucket is there or is not', async () => {
  await assert.rejects(s3.send(new HeadBucketCommand({ Bucket })), NotFound);
  await s3.send(new CreateBucketCommand({ Bucket }));
  const byPath = new S3Client({ endpoint: process.env.AWS_ENDPOINT_URL.replace('127.0.0.1', 'localhost'), forcePathStyle: true });
  await byPath.send(new HeadBucketCommand({ Bucket }));
  const { BucketRegion } = await s3.send(new HeadBucketCommand({ Bucket }));
  assert.equal(BucketRegion, 'us-east-1');
});

test('an object is put with the checksum that is the default', async () => {
  const client = new S3Client({});
  const headers = sent(client);
  const put = await client.send(new PutObjectCommand({ Bucket, Key: 'a/text', Body: 'hello', ContentType: 'text/plain', Metadata: { who: 'me' } }));
  assert.equal(headers[0]['x-amz-checksum-crc32'], 'NhCmhg==');
  assert.equal(put.ChecksumCRC32, 'NhCmhg==');
  const got = await client.send(new GetObjectCommand({ Bucket, Key: 'a/text' }));
  assert.equal(headers[1]['x-amz-checksum-mode'], 'ENABLED');
  assert.equal(got.ChecksumCRC32, 'NhCmhg==');
  assert.equal(got.ContentType, 'text/plain');
  assert.deepEqual(got.Metadata, { who: 'me' });
  assert.equal(await got.Body.transformToString(), 'hello');
  await assert.rejects(client.send(new PutObjectCommand({ Bucket, Key: 'a/text', Body: 'hello', ChecksumCRC32: 'AAAAAA==' })), { name: 'BadDigest' });
  await assert.rejects(client.send(new GetObjectCommand({ Bucket, Key: 'none' })), NoSuchKey);
});

test('a stream has its checksum in a trailer', async () => {
  const client = new S3Client({});
  const headers = sent(client);
  const body = data.subarray(0, 1 << 20);
  for (const [ChecksumAlgorithm, name] of [[undefined, 'crc32'], ['SHA256', 'sha256'], ['CRC32C', 'crc32c']]) {
    const Key = `streams/${name}`;
    await client.send(new PutObjectCommand({ Bucket, Key, Body: stream(body), ContentLength: body.length, ChecksumAlgorithm }));
    const request = headers.pop();
    assert.match(request['x-amz-content-sha256'], /^STREAMING-UNSIGNED-PAYLOAD-TRAILER$/);
    assert.equal(request['x-amz-trailer'], `x-amz-checksum-${name}`);
    const got = await client.send(new GetObjectCommand({ Bucket, Key }));
    headers.pop();
    assert.ok(got[`Checksum${name.toUpperCase()}`]); // and the SDK verifies the body by it
    assert.equal(got.ContentEncoding, undefined);
    assert.deepEqual(Buffer.from(await got.Body.transformToByteArray()), body);
  }
});

test('a stream of several parts', async () => {
  const upload = new Upload({ client: s3, params: { Bucket, Key: 'big', Body: stream(data), ContentType: 'application/zip' } });
  const done = await upload.done();
  assert.match(done.ETag, /-3"$/);
  const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'big' }));
  assert.equal(got.ContentType, 'application/zip');
  assert.ok(data.equals(await got.Body.transformToByteArray()));
  const range = await s3.send(new GetObjectCommand({ Bucket, Key: 'big', Range: `bytes=${(5 << 20) - 2}-${(5 << 20) + 1}` }));
  assert.equal(await range.Body.transformToString(), 'ef01');
});

test('a bucket is the first name of the host', async () => {
  const client = new S3Client({
    endpoint: process.env.AWS_ENDPOINT_URL.replace('127.0.0.1', 'localhost'),
    requestHandler: { httpAgent: { lookup: (_host, _options, found) => found(null, [{ address: '127.0.0.1', family: 4 }]) } },
  });
  const headers = sent(client);
  const got = await client.send(new GetObjectCommand({ Bucket, Key: 'a/text' }));
  assert.match(headers[0].host, /^my-bucket\.localhost:/);
  assert.equal(await got.Body.transformToString(), 'hello');
});

test('an upload that is given up leaves nothing', async () => {
  const upload = new Upload({ client: s3, params: { Bucket, Key: 'given-up', Body: stream(data) } });
  upload.on('httpUploadProgress', () => upload.abort());
  await assert.rejects(upload.done(), { name: 'AbortError' });
  await assert.rejects(s3.send(new HeadObjectCommand({ Bucket, Key: 'given-up' })), NotFound);
});

test('an object is copied', async () => {
  const Key = 'copies/with space+ü';
  await s3.send(new CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/big` }));
  const head = await s3.send(new HeadObjectCommand({ Bucket, Key }));
  assert.equal(head.ContentLength, data.length);
  assert.equal(head.ContentType, 'application/zip');
});

test('listings, page by page', async () => {
  const keys = [];
  for await (const page of paginateListObjectsV2({ client: s3, pageSize: 2 }, { Bucket })) {
    keys.push(...page.Contents.map((o) => o.Key));
  }
  assert.deepEqual(keys, ['a/text', 'big', 'copies/with space+ü', 'streams/crc32', 'streams/crc32c', 'streams/sha256']);
  const prefixes = [];
  for await (const page of paginateListObjectsV2({ client: s3, pageSize: 1 }, { Bucket, Delimiter: '/' })) {
    prefixes.push(...(page.CommonPrefixes ?? []).map((p) => p.Prefix));
  }
  assert.deepEqual(prefixes, ['a/', 'copies/', 'streams/']);
});

test('objects are deleted together, and then the bucket', async () => {
  await assert.rejects(s3.send(new DeleteBucketCommand({ Bucket })), { name: 'BucketNotEmpty' });
  const keys = ['a/text', 'big', 'copies/with space+ü', 'streams/crc32', 'streams/crc32c', 'streams/sha256', 'never-there'];
  const { Deleted, Errors } = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: keys.map((Key) => ({ Key })) } }));
  assert.equal(Errors, undefined);
  assert.deepEqual(Deleted.map((o) => o.Key), keys);
  await s3.send(new DeleteBucketCommand({ Bucket }));
  await assert.rejects(s3.send(new HeadBucketCommand({ Bucket })), NotFound);
});
