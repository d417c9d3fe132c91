/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Programs that are safe and end, and that Linux gives up on ("BPF program is too large"): it keeps apart
 * what need not be kept apart. `osmia verify --target osmia` takes them.
 */
#pragma once

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define PASS 2

char _license[] SEC("license") = "Dual MIT/GPL";
