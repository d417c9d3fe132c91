/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* What every program of the gallery includes. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#ifndef LICENCE_SAID
char LICENSE[] SEC("license") = "Dual MIT/GPL";
#endif
