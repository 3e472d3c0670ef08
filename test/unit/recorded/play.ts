import { isRecord } from '../../../src/lib/record.ts';
import { bodyOf, readRecording } from '../../fixtures/consul/recording.ts';
import { ReplayServer } from '../../fixtures/consul/replay.ts';
import { clockFrom, type LogLine, type Setting, type TemporaryFolder } from './commands.ts';
import type { Given } from './judge.ts';
import { type Answer, idOf, replayed, type Scenario, TOKEN, timeOf, tokensOf } from './scenario.ts';

export type Command<T> = (setting: Setting, server: ReplayServer) => Promise<T>;

/** Runs `command` against a server of its own that gives the answers of `scenario`. */
export async function against<T>(
  scenario: Scenario,
  folder: Pick<TemporaryFolder, 'published' | 'bearer'>,
  command: Command<T>,
  unexpected: Set<string>,
): Promise<T> {
  const server = new ReplayServer(tokensOf(scenario));
  const port = await server.start();
  server.play(replayed(scenario.answers), true);
  const { token, login, environment } = scenario;
  try {
    const setting = {
      clock: clockFrom(timeOf(scenario.answers)),
      environment: {
        _CONSUL_HOST: '127.0.0.1',
        _CONSUL_PORT: String(port),
        _OUTPUT_DIR: folder.published,
        ...(token === undefined ? {} : { CONSUL_HTTP_TOKEN: TOKEN }),
        ...(login === undefined
          ? {}
          : { CONSUL_LOGIN_AUTH_METHOD: 'jwt', CONSUL_LOGIN_BEARER_TOKEN_FILE: folder.bearer }),
        ...environment,
      },
    };
    return await command(setting, server);
  } finally {
    for (const request of server.unexpected) unexpected.add(request);
    await server.close();
  }
}

const LABELS: Readonly<Record<string, string>> = {
  'published the identity': 'published',
  'rejected an answer from Consul, the published identity is unchanged': 'rejected',
  'the leaf will not be renewed': 'renewal',
  'the Consul agent returned stale CA roots': 'stale',
  'excluded CA roots from the trust bundle': 'excluded',
};

/** A short label of a log line; undefined if the line does not matter. */
function labelOf({ msg, query, code, level }: LogLine): string | undefined {
  if (msg === 'Consul answers again') return `${query} again`;
  const label = query === undefined ? LABELS[String(msg)] : String(query);
  if (code !== undefined) return `${label ?? msg} ${code}`;
  return label ?? (Number(level) > 30 ? String(msg) : undefined);
}

/** The labels of a log, each once and sorted, since two loops write it. */
export function labelsOf(lines: readonly LogLine[]): string[] {
  return [...new Set(lines.map(labelOf).filter((label) => label !== undefined))].sort();
}

/** The leaf and the roots that queries without an index are answered last. */
export function givenBy(answers: readonly Answer[]): Given {
  let leafPem = '';
  let rootPems: string[] = [];
  for (const recording of answers.map((answer) => readRecording(idOf(answer)))) {
    if (recording.response.status !== 200 || recording.request.path.includes('index=')) continue;
    const body: unknown = JSON.parse(bodyOf(recording));
    if (!isRecord(body)) continue;
    const { CertPEM: pem, Roots: roots } = body;
    if (typeof pem === 'string') leafPem = pem;
    if (Array.isArray(roots)) rootPems = roots.map(({ RootCert: root }) => String(root));
  }
  return { leafPem, rootPems };
}
