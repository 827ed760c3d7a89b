import { LATENCY, LATENCY_UNDER_LOAD } from './latency.ts';
import { MANY_PARTITIONS } from './many-partitions.ts';
import type { Question } from './question.ts';
import { CODECS_AND_FLUSH, PRODUCE_AND_FETCH } from './throughput.ts';

/** After these, memory is looked at: "after load". */
export const MAIN_QUESTIONS: readonly Question[] = [...PRODUCE_AND_FETCH, ...LATENCY];

export const FURTHER_QUESTIONS: readonly Question[] = [...CODECS_AND_FLUSH, ...LATENCY_UNDER_LOAD, ...MANY_PARTITIONS];
