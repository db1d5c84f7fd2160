export { Client, type ClientEvents, type ClientOptions, type Status } from './client.js';
export { parseConnectionString, type Connection, type SnapshotKind } from './connection.js';
export type { ContextValue, EvaluationContext } from './context.js';
export { PennonError, type SnapshotSource } from './errors.js';
export type { ErrorCode, FlagType, JsonValue, Metadata, Outcome, Reason, Step } from './outcome.js';
export type { RenderedFlags } from './rendered.js';
export { FlagReader, type Details, type Widened } from './reader.js';
export { MemoryStorage, isOlder, type SnapshotFiles, type SnapshotStorage, type Stored } from './storage.js';
export type { Fetch } from './transport.js';
