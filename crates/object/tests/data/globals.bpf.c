// SPDX-License-Identifier: MIT OR Apache-2.0
/* Global variables of every kind. */
#include "common.h"

struct config { int port; struct { __u8 on, level; } flag[2]; enum { RED = 1, BLUE = 5 } colour; };

const volatile struct config cfg = { .port = 80, .colour = BLUE };
const volatile __u64 big = 0x1122334455667788ULL;
int counter;
static int hidden_by_static = 3;
__hidden int hidden_global = 4;
int data_one = 1;
__u16 array[5] = { 1, 2, 3 };
int in_custom SEC(".data.custom") = 9;
const volatile int in_rodata_custom SEC(".rodata.custom") = 10;
int in_bss_custom SEC(".bss.custom");
char text[] = "text";

SEC("socket") int use(struct __sk_buff *skb)
{
	static int calls = 2;
	const char *name = "a string that lies in .rodata.str1.1";

	calls++;
	counter += cfg.port + cfg.flag[1].level + (int)big + hidden_by_static++ + hidden_global;
	data_one += array[skb->len % 5] + in_custom + in_rodata_custom + in_bss_custom;
	bpf_trace_printk("%s\n", 4, name);
	return counter + text[1] + calls;
}
LICENSE;
