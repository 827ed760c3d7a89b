// An offset together with the place where its batch stands. Source: Kafka's LogOffsetMetadata (3.9).

/** The segment of an offset of which only the number is known. */
export const UNKNOWN_SEGMENT = -1;

export interface LogOffsetMetadata {
  readonly messageOffset: number;
  /** Base offset of the segment that holds it; UNKNOWN_SEGMENT when only the offset is known. */
  readonly segmentBaseOffset: number;
  /** Byte in that segment. */
  readonly relativePositionInSegment: number;
}

export function offsetOnly(messageOffset: number): LogOffsetMetadata {
  return { messageOffset, segmentBaseOffset: UNKNOWN_SEGMENT, relativePositionInSegment: 0 };
}

export function isOffsetOnly(metadata: LogOffsetMetadata): boolean {
  return metadata.segmentBaseOffset === UNKNOWN_SEGMENT;
}
