// The program that cleaner-thread.ts starts. It has a file system of its own: the files it works on nobody else writes to.

import { NodeFileSystem, nodeThreadParent, SystemClock } from '@ottla/base';
import { loadCompressionCodecs } from '@ottla/records';
import { CleanerProgram } from './cleaner-program.ts';

const parent = nodeThreadParent();
await loadCompressionCodecs();
new CleanerProgram(parent, { fileSystem: new NodeFileSystem(), clock: new SystemClock() }).start();
