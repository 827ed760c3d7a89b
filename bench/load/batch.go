package main

import (
	"encoding/binary"
	"hash/crc32"
	"math/rand"
)

// Positions in a record batch of format 2.
const (
	batchLengthAt     = 8
	batchCrcAt        = 17
	batchAttributesAt = 21
	batchLastDeltaAt  = 23
	batchHeaderBytes  = 61
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

type batchShape struct {
	records   int
	valueSize int
	// keyCount is the number of different keys; 0: records have none.
	keyCount int
}

// batch encodes records with letters as values. valueAt is the position of the last record's value.
func (shape batchShape) batch(random *rand.Rand, nowMs int64) (bytes []byte, valueAt int) {
	b := make([]byte, batchHeaderBytes, batchHeaderBytes+shape.records*(shape.valueSize+40))
	for i := 0; i < shape.records; i++ {
		var record []byte
		record = append(record, 0, 0)
		record = binary.AppendVarint(record, int64(i))
		record = shape.appendKey(record, random)
		record = binary.AppendVarint(record, int64(shape.valueSize))
		b = binary.AppendVarint(b, int64(len(record)+shape.valueSize+1))
		b = append(b, record...)
		valueAt = len(b)
		for range shape.valueSize / 8 {
			b = binary.BigEndian.AppendUint64(b, letters(random.Uint64()))
		}
		for len(b) < valueAt+shape.valueSize {
			b = append(b, 'x')
		}
		b = append(b, 0)
	}
	binary.BigEndian.PutUint32(b[batchLengthAt:], uint32(len(b)-12))
	b[16] = 2
	binary.BigEndian.PutUint32(b[batchLastDeltaAt:], uint32(shape.records-1))
	binary.BigEndian.PutUint64(b[27:], uint64(nowMs))
	binary.BigEndian.PutUint64(b[35:], uint64(nowMs))
	for i := 43; i < 57; i++ {
		b[i] = 0xff
	}
	binary.BigEndian.PutUint32(b[57:], uint32(shape.records))
	seal(b)
	return b, valueAt
}

func (shape batchShape) appendKey(record []byte, random *rand.Rand) []byte {
	if shape.keyCount == 0 {
		return binary.AppendVarint(record, -1)
	}
	record = binary.AppendVarint(record, 8)
	return binary.BigEndian.AppendUint64(record, uint64(random.Intn(shape.keyCount)))
}

// letters makes eight bytes from 'a' to 'p'.
func letters(random uint64) uint64 { return random&0x0f0f0f0f0f0f0f0f + 0x6161616161616161 }

func seal(batch []byte) {
	binary.BigEndian.PutUint32(batch[batchCrcAt:], crc32.Checksum(batch[batchAttributesAt:], castagnoli))
}
