/** crosspoint in the browser: `new Crosspoint().connect()`, `client.call('echo')`. */
export { Call, type CallOptions, type CallPhase, type Ended } from './call.js';
export { Crosspoint, type ClientOptions } from './client.js';
export { type ConnectionState } from './connection.js';
export { Refused, type ClientFrame, type MediaFlow, type ServerFrame } from './frames.js';
export { Ringer } from './sounds.js';
