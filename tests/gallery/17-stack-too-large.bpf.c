// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Two functions, one calling the other, need more than the stack has.
#include "gallery.h"

#define BYTES 300

static __noinline int second(struct __sk_buff *skb)
{
	char copy[BYTES];

	if (bpf_skb_load_bytes(skb, 14, copy, sizeof(copy)))
		return 0;
	return copy[0] + copy[100];
}

SEC("tc")
int big(struct __sk_buff *skb)
{
	char buffer[BYTES];

	if (bpf_skb_load_bytes(skb, 0, buffer, sizeof(buffer)))
		return 0;
	return second(skb) + buffer[7];
}
