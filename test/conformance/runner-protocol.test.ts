/** Held against the public package `@semilayer/runner-protocol` 0.1.4: its types and its codec. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as reference from '@semilayer/runner-protocol';
import fc from 'fast-check';
import { decodeClientFrame, decodeServerFrame, encodeFrame } from '../../src/protocol/codec.ts';
import type {
  ClientAccept,
  ClientChunk,
  ClientDone,
  ClientDrain,
  ClientError,
  ClientFrame,
  ClientHeartbeat,
  ClientHello,
  ClientReject,
  JobKind,
  ServerAssignmentsChanged,
  ServerCancel,
  ServerCredit,
  ServerDrain,
  ServerEnded,
  ServerFrame,
  ServerHelloAck,
  ServerJob,
  ServerPing,
} from '../../src/protocol/frames.ts';
import {
  DEFAULT_JOB_DEADLINE_MS,
  HEARTBEAT_INTERVAL_MS,
  PROTOCOL_VERSION,
} from '../../src/protocol/limits.ts';
import { clientFrameV1, serverFrameV1 } from '../support/frame-arbitraries.ts';

/** Compiles only when each is assignable to the other. */
type Both<A extends B, B extends C, C = A> = [A, B, C];

type _Types = [
  Both<ClientHello, reference.ClientHello>,
  Both<ClientHeartbeat, reference.ClientHeartbeat>,
  Both<ClientChunk, reference.ClientChunk>,
  Both<ClientDone, reference.ClientDone>,
  Both<ClientError, reference.ClientError>,
  Both<Exclude<ClientFrame, ClientDrain | ClientAccept | ClientReject>, reference.ClientFrame>,
  Both<ServerHelloAck, reference.ServerHelloAck>,
  Both<ServerAssignmentsChanged, reference.ServerAssignmentsChanged>,
  Both<ServerJob, reference.ServerJob>,
  Both<ServerCancel, reference.ServerCancel>,
  Both<ServerPing, reference.ServerPing>,
  Both<Exclude<ServerFrame, ServerCredit | ServerDrain | ServerEnded>, reference.ServerFrame>,
  Both<JobKind, reference.JobKind>,
];
const compiled: _Types | undefined = undefined;

test('the constants of version 1 are the reference’s', () => {
  assert.equal(compiled, undefined);
  assert.equal(PROTOCOL_VERSION, reference.PROTOCOL_VERSION);
  assert.equal(HEARTBEAT_INTERVAL_MS, reference.HEARTBEAT_INTERVAL_MS);
  assert.equal(DEFAULT_JOB_DEADLINE_MS, reference.DEFAULT_JOB_DEADLINE_MS);
});

test('what the reference encodes we decode, and the other way round', () => {
  fc.assert(
    fc.property(clientFrameV1, frame => {
      assert.deepEqual(decodeClientFrame(reference.encodeFrame(frame as reference.ClientFrame)), frame);
      assert.deepEqual(reference.decodeClientFrame(encodeFrame(frame)), frame);
    }),
  );
  fc.assert(
    fc.property(serverFrameV1, frame => {
      assert.deepEqual(decodeServerFrame(reference.encodeFrame(frame as reference.ServerFrame)), frame);
      assert.deepEqual(reference.decodeServerFrame(encodeFrame(frame)), frame);
    }),
  );
});
