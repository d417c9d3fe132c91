// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Tracked connections: what is refused, what is made, looked up and changed. The first run makes them,
// the others find them.
#include "connections.h"

/* Connections of one program are not those of another. */
static __always_inline struct bpf_sock_tuple ipv4(__u16 port)
{
	struct bpf_sock_tuple tuple = {};

	tuple.ipv4.saddr = __builtin_bswap32(0x0a000001);
	tuple.ipv4.daddr = __builtin_bswap32(0x0a000002);
	tuple.ipv4.sport = __builtin_bswap16(port);
	tuple.ipv4.dport = __builtin_bswap16(80);
	return tuple;
}

static __always_inline struct bpf_ct_opts options(__u8 protocol)
{
	struct bpf_ct_opts opts = { .netns_id = -1, .l4proto = protocol };

	return opts;
}

#define LOOK(ctx, tuple, bytes, opts, opts_bytes) \
	({ struct nf_conn *found = bpf_xdp_ct_lookup(ctx, tuple, bytes, opts, opts_bytes); \
	   if (found) bpf_ct_release(found); !!found; })

SEC("xdp")
int refused(struct xdp_md *ctx)
{
	struct bpf_sock_tuple tuple = ipv4(1);
	struct bpf_ct_opts opts = options(TCP);

	SAY(LOOK(ctx, &tuple, sizeof(tuple.ipv4), &opts, sizeof(opts)) ? 1 : opts.error);
	SAY(LOOK(ctx, &tuple, sizeof(tuple.ipv4), &opts, OLD_BYTES) ? 1 : opts.error);
	SAY(LOOK(ctx, &tuple, sizeof(tuple.ipv4), &opts, 13) ? 1 : opts.error);
	SAY(LOOK(ctx, &tuple, sizeof(tuple.ipv4) - 1, &opts, sizeof(opts)) ? 1 : opts.error);
	SAY(LOOK(ctx, &tuple, sizeof(tuple.ipv6), &opts, sizeof(opts)) ? 1 : opts.error);
	opts = options(ICMP);
	SAY(LOOK(ctx, &tuple, sizeof(tuple.ipv4), &opts, sizeof(opts)) ? 1 : opts.error);
	opts = options(TCP);
	opts.reserved[1] = 1;
	SAY(LOOK(ctx, &tuple, sizeof(tuple.ipv4), &opts, sizeof(opts)) ? 1 : opts.error);
	opts = options(TCP);
	opts.ct_zone_id = 3;
	SAY(LOOK(ctx, &tuple, sizeof(tuple.ipv4), &opts, OLD_BYTES) ? 1 : opts.error);
	opts = options(TCP);
	opts.netns_id = -2;
	SAY(LOOK(ctx, &tuple, sizeof(tuple.ipv4), &opts, sizeof(opts)) ? 1 : opts.error);
	opts = options(TCP);
	opts.netns_id = 7;
	SAY(LOOK(ctx, &tuple, sizeof(tuple.ipv4), &opts, sizeof(opts)) ? 1 : opts.error);
	SAY(LOOK(ctx, &tuple, 5, &opts, sizeof(opts)) ? 1 : opts.error);
	SAY(opts.dir);
	SAY(opts.ct_zone_dir);
	return XDP_PASS;
}

SEC("xdp")
int made(struct xdp_md *ctx)
{
	struct bpf_sock_tuple tuple = ipv4(2), back = {};
	struct bpf_ct_opts opts = options(TCP);
	struct nf_conn *connection;

	connection = bpf_xdp_ct_alloc(ctx, &tuple, sizeof(tuple.ipv4), &opts, sizeof(opts));
	SAY(!!connection);
	if (!connection)
		return XDP_DROP;
	SAY(connection->status);
	SAY(connection->timeout);
	SAY(connection->mark);
	SAY(connection->zone.id);
	SAY(connection->zone.dir);
	SAY(connection->tuplehash[0].tuple.src.u3.ip);
	SAY(connection->tuplehash[1].tuple.src.u3.ip);
	connection->mark = 42;
	bpf_ct_set_timeout(connection, 1000001);
	SAY(connection->timeout);
	SAY(bpf_ct_set_status(connection, 2));
	SAY(bpf_ct_set_status(connection, 8));
	SAY(bpf_ct_set_status(connection, 0));
	SAY(bpf_ct_set_status(connection, 0x2 | 0x100));
	SAY(connection->status);
	connection = bpf_ct_insert_entry(connection);
	SAY(!!connection);
	if (connection) {
		SAY(connection->status);
		SAY(connection->mark);
		bpf_ct_release(connection);
	}
	connection = bpf_xdp_ct_lookup(ctx, &tuple, sizeof(tuple.ipv4), &opts, sizeof(opts));
	SAY(!!connection);
	SAY(opts.dir);
	if (connection) {
		SAY(connection->mark);
		connection->mark += 1;
		SAY(bpf_ct_change_status(connection, connection->status | 4));
		SAY(bpf_ct_change_status(connection, connection->status & ~4));
		SAY(bpf_ct_change_status(connection, connection->status | 0x200));
		SAY(bpf_ct_change_timeout(connection, 100000));
		SAY((connection->timeout - (__u32)bpf_jiffies64() + 100) / 250);
		SAY(connection->status);
		bpf_ct_release(connection);
	}
	back.ipv4.saddr = tuple.ipv4.daddr;
	back.ipv4.daddr = tuple.ipv4.saddr;
	back.ipv4.sport = tuple.ipv4.dport;
	back.ipv4.dport = tuple.ipv4.sport;
	connection = bpf_xdp_ct_lookup(ctx, &back, sizeof(back.ipv4), &opts, sizeof(opts));
	SAY(!!connection);
	SAY(opts.dir);
	if (connection) {
		SAY(connection->mark);
		bpf_ct_release(connection);
	}
	opts.l4proto = UDP;
	SAY(LOOK(ctx, &tuple, sizeof(tuple.ipv4), &opts, sizeof(opts)));
	return XDP_PASS;
}

SEC("xdp")
int zones(struct xdp_md *ctx)
{
	struct bpf_sock_tuple tuple = ipv4(3);
	struct bpf_ct_opts opts = options(UDP);
	struct nf_conn *connection;

	opts.ct_zone_id = 10;
	opts.ct_zone_dir = 1;
	connection = bpf_xdp_ct_alloc(ctx, &tuple, sizeof(tuple.ipv4), &opts, sizeof(opts));
	if (!connection)
		return XDP_DROP;
	SAY(connection->zone.id);
	SAY(connection->zone.dir);
	bpf_ct_set_timeout(connection, 1000000);
	connection = bpf_ct_insert_entry(connection);
	SAY(!!connection);
	if (connection)
		bpf_ct_release(connection);
	SAY(LOOK(ctx, &tuple, sizeof(tuple.ipv4), &opts, sizeof(opts)));
	opts.ct_zone_dir = 0;
	SAY(LOOK(ctx, &tuple, sizeof(tuple.ipv4), &opts, sizeof(opts)));
	SAY(opts.ct_zone_dir);
	opts.ct_zone_dir = 2;
	SAY(LOOK(ctx, &tuple, sizeof(tuple.ipv4), &opts, sizeof(opts)));
	opts.ct_zone_dir = 3;
	opts.ct_zone_id = 11;
	SAY(LOOK(ctx, &tuple, sizeof(tuple.ipv4), &opts, sizeof(opts)));
	opts = options(UDP);
	SAY(LOOK(ctx, &tuple, sizeof(tuple.ipv4), &opts, sizeof(opts)));
	SAY(LOOK(ctx, &tuple, sizeof(tuple.ipv4), &opts, OLD_BYTES));
	return XDP_PASS;
}

SEC("tc")
int translated(struct __sk_buff *ctx)
{
	struct bpf_sock_tuple tuple = ipv4(4), reply = {};
	struct bpf_ct_opts opts = options(TCP);
	union nf_inet_addr address = { .ip = __builtin_bswap32(0x0a010101) };
	struct nf_conn *connection;

	connection = bpf_skb_ct_alloc(ctx, &tuple, sizeof(tuple.ipv4), &opts, sizeof(opts));
	if (!connection)
		return 2;
	SAY(bpf_ct_set_nat_info(connection, &address, 5555, NF_NAT_MANIP_SRC));
	SAY(connection->status);
	SAY(bpf_ct_set_nat_info(connection, &address, 5555, NF_NAT_MANIP_SRC));
	SAY(connection->status);
	address.ip = tuple.ipv4.daddr;
	SAY(bpf_ct_set_nat_info(connection, &address, -1, NF_NAT_MANIP_DST));
	SAY(connection->status);
	bpf_ct_set_timeout(connection, 1000000);
	connection = bpf_ct_insert_entry(connection);
	SAY(!!connection);
	if (connection) {
		SAY(connection->status);
		SAY(connection->tuplehash[1].tuple.src.u3.ip);
		bpf_ct_release(connection);
	}
	reply.ipv4.saddr = tuple.ipv4.daddr;
	reply.ipv4.daddr = __builtin_bswap32(0x0a010101);
	reply.ipv4.sport = tuple.ipv4.dport;
	reply.ipv4.dport = __builtin_bswap16(5555);
	connection = bpf_skb_ct_lookup(ctx, &reply, sizeof(reply.ipv4), &opts, sizeof(opts));
	SAY(!!connection);
	SAY(opts.dir);
	if (connection)
		bpf_ct_release(connection);
	return 0;
}

SEC("tc")
int sixes(struct __sk_buff *ctx)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_ct_opts opts = options(UDP);
	struct nf_conn *connection;

	tuple.ipv6.saddr[0] = 0x20;
	tuple.ipv6.saddr[3] = 1;
	tuple.ipv6.daddr[3] = 2;
	tuple.ipv6.sport = 7;
	tuple.ipv6.dport = 8;
	connection = bpf_skb_ct_alloc(ctx, &tuple, sizeof(tuple.ipv6), &opts, OLD_BYTES);
	SAY(!!connection);
	if (!connection)
		return 2;
	bpf_ct_set_timeout(connection, 1000000);
	connection = bpf_ct_insert_entry(connection);
	SAY(!!connection);
	if (connection)
		bpf_ct_release(connection);
	connection = bpf_skb_ct_lookup(ctx, &tuple, sizeof(tuple.ipv6), &opts, sizeof(opts));
	SAY(!!connection);
	if (connection) {
		SAY(connection->tuplehash[0].tuple.src.u3.all[3]);
		bpf_ct_release(connection);
	}
	return 0;
}
