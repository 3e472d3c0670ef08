// Writes the table of docs/configuration.md and .env.example: npm run variables
import { readFileSync, writeFileSync } from 'node:fs';
import { exampleOfVariables, withTableOfVariables } from './variables/texts.ts';

const at = (name: string): URL => new URL(`../${name}`, import.meta.url);
const page = at('docs/configuration.md');

writeFileSync(page, withTableOfVariables(readFileSync(page, 'utf8')));
writeFileSync(at('.env.example'), exampleOfVariables());
