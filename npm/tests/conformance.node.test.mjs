import { createClient } from '../dist/entrypoints/node.js';
import { run } from './conformance.mjs';
import { loadVectors, testResults } from './support/vectors.mjs';

const vectors = loadVectors();
testResults('node', vectors, await run(vectors, createClient));
