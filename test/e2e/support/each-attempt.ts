/** For a test that waits for attempts: only of those that are told for the first time a line stands at a higher level. */
export const EACH_ATTEMPT = { _LOG_LEVEL: 'debug' };
