import type { OwnWorld } from '../world.ts';
import type { Publication } from './publications.ts';
import {
  type Environment,
  environmentOf,
  type Publishing,
  type SubjectName,
  startSubject,
} from './subject.ts';

/** Every program that publishes the identity: the main one, and one for each further publication. */
export interface Subjects {
  startAll(): void;
  /** One more of each that may have a second one. */
  startReplicas(): void;
  /** All, by SIGKILL. */
  kill(): Promise<void>;
  output(): string;
}

export async function makeSubjects(
  name: SubjectName,
  world: OwnWorld,
  identity: string,
  publications: readonly Publication[],
): Promise<Subjects> {
  const token = {
    CONSUL_HTTP_TOKEN: await world.consul.makeToken(`service "${identity}" { policy = "write" }`),
  };
  const main: Environment = { ...(await environmentOf(name, world)), ...token };
  let running: Publishing[] = [];
  let said = '';
  const output = () => running.map((subject) => subject.output().slice(-20_000)).join('\n----\n');

  function start(further: readonly Publication[]): void {
    running.push(startSubject(name, main));
    for (const { environment } of further)
      running.push(startSubject('connector', { ...environment, ...token }));
  }

  return {
    startAll: () => start(publications),
    startReplicas: () => start(publications.filter(({ allowsReplicas }) => allowsReplicas)),
    async kill() {
      await Promise.all(running.map((subject) => subject.kill()));
      said += output();
      running = [];
    },
    output: () => said + output(),
  };
}
