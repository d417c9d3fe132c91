// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// What version 4 of the instruction set added: signed division, moves and loads that extend the sign,
// unconditional byte swaps, long jumps.
#include "results.h"

static const __u64 odd[16] = {
	0, 1, 2, 7, 0x80, 0xff80, 0x8000, 0xff, 0x7fffffff, 0x80000000, 0xffffffff, 0x1ffffff80,
	0x7fffffffffffffff, 0x8000000000000000, 0xfffffffffffffffe, 0xffffffffffffffff,
};

#define PAIR(ctx) \
	__u64 size = (ctx)->data_end - (ctx)->data; \
	__u64 a = odd[size & 15], b = odd[(size >> 4 ^ results[0]) & 15]; \
	results[0]++

#define BOTH(op) \
	({ \
		register __u64 x asm("r7") = a; \
		register __u64 y asm("r8") = b; \
		asm volatile(op : "+r"(x) : "r"(y)); \
		x; \
	})

SEC("xdp")
int signs(struct xdp_md *ctx)
{
	PAIR(ctx);
	SAY(BOTH("r7 s/= r8"));
	SAY(BOTH("r7 s%%= r8"));
	SAY(BOTH("w7 s/= w8"));
	SAY(BOTH("w7 s%%= w8"));
	SAY(BOTH("r7 s/= -1"));
	SAY(BOTH("r7 s%%= -1"));
	SAY(BOTH("w7 s/= -1"));
	SAY(BOTH("w7 s%%= -1"));
	SAY(BOTH("r7 s/= -7"));
	SAY(BOTH("w7 s%%= -7"));
	SAY(BOTH("r7 = (s8)r8"));
	SAY(BOTH("r7 = (s16)r8"));
	SAY(BOTH("r7 = (s32)r8"));
	SAY(BOTH("w7 = (s8)w8"));
	SAY(BOTH("w7 = (s16)w8"));
	SAY(BOTH("r7 = bswap16 r7"));
	SAY(BOTH("r7 = bswap32 r7"));
	SAY(BOTH("r7 = bswap64 r7"));
	SAY(BOTH("if r8 == 0 goto +1\ngotol +1\nr7 = 5\nr7 += 1"));
	return 0;
}

SEC("xdp")
int loads(struct xdp_md *ctx)
{
	volatile __s64 word;
	PAIR(ctx);

	word = a ^ b << 32;
	SAY((__s64)*(volatile __s8 *)&word);
	SAY((__s64)*((volatile __s16 *)&word + 1));
	SAY((__s64)*((volatile __s32 *)&word + 1));
	SAY((__s64)*((volatile __s8 *)&word + 7));
	return 0;
}
