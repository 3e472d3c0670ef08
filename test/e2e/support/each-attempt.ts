/** For tests that wait for a repeated attempt, which is logged at the level debug only. */
export const EACH_ATTEMPT = { _LOG_LEVEL: 'debug' };
