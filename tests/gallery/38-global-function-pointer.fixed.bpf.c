// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A function that is checked on its own does not ask whether its pointer is null. Mended.
#include "gallery.h"

struct pair {
	__u32 first, second;
};

__noinline int sum(struct pair *pair)
{
	if (!pair)
		return 0;
	return pair->first + pair->second;
}

SEC("tc")
int use(struct __sk_buff *skb)
{
	struct pair pair = { skb->len, skb->mark };

	return sum(&pair) ? TC_ACT_OK : TC_ACT_SHOT;
}
