// How talking to a broker fails. Nothing here says that the broker did not act: a request may have been executed though its answer
// never came.

/** The connection could not be made, or ended before the answer came. `cause` is the SocketError where there is one. */
export class DisconnectedError extends Error {
  override readonly name = 'DisconnectedError';
}

/** No answer within the request's time. The connection is closed: the answers behind it could not be told apart. */
export class RequestTimeoutError extends Error {
  override readonly name = 'RequestTimeoutError';
}

/** The broker and we share no version of this API. */
export class NoCommonVersionError extends Error {
  override readonly name = 'NoCommonVersionError';
}

/** The broker answered something that is no answer to what was asked. The connection is closed. */
export class InvalidResponseError extends Error {
  override readonly name = 'InvalidResponseError';
}
