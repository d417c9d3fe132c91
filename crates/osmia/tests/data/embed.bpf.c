// SPDX-License-Identifier: MIT OR Apache-2.0
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct pair {
	__u64 key;
	__u64 value;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u64);
	__type(value, __u64);
	__uint(max_entries, 2);
} table SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 1);
} runs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__type(value, __u64);
	__uint(max_entries, 2);
} waiting SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} told SEC(".maps");

const volatile __u64 step = 1;
__u64 sum;
char text[8];

static long (*const add)(__u64 a, __u64 b) = (void *)1000;
static long (*const shout)(char *text, __u32 len) = (void *)1001;
static long (*const both)(struct pair *pair) = (void *)1002;

/* Everything that is shared, once. */
SEC("syscall")
int share(struct pair *pair)
{
	__u64 key = pair->key, value = pair->value;
	__u32 zero = 0, *count = bpf_map_lookup_elem(&runs, &zero);

	if (count)
		*count += 1;
	sum += step;
	bpf_map_update_elem(&table, &key, &value, BPF_ANY);
	bpf_map_push_elem(&waiting, &value, 0);
	bpf_ringbuf_output(&told, pair, sizeof(*pair), 0);
	pair->value = value + 1;
	return 7;
}

SEC("syscall")
int adds(struct pair *pair)
{
	return add(pair->key, pair->value);
}

SEC("syscall")
int shouts(struct pair *pair)
{
	char word[8] = "hello";

	shout(word, sizeof(word));
	__builtin_memcpy(text, word, sizeof(text));
	return 0;
}

SEC("syscall")
int swaps(struct pair *pair)
{
	struct pair copy = *pair;
	long result = both(&copy);

	*pair = copy;
	return result;
}

/* Reads as much of its context as one of 4096 bytes has. */
SEC("syscall")
int far(char *bytes)
{
	return bytes[4095];
}

SEC("xdp")
int first(struct xdp_md *ctx)
{
	unsigned char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (data + 1 > end)
		return XDP_DROP;
	data[0] += 1;
	return XDP_TX;
}

static long spin(__u32 i, __u64 *left)
{
	*left += i;
	return 0;
}

SEC("syscall")
int long_run(struct pair *pair)
{
	__u64 left = 0;

	bpf_loop(1 << 23, spin, &left, 0);
	pair->value = left;
	return 0;
}

char _license[] SEC("license") = "Dual MIT/GPL";
