// Package netpol enforces NetworkPolicies on a node whose pods are routed: every packet between two pods, and between a pod
// and the node, passes one hook of nftables in the node's network namespace.
package netpol

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Cluster is what policies are about.
type Cluster struct {
	Pods       []*core.Pod
	Namespaces []*core.Namespace
	Policies   []*networking.NetworkPolicy
}

// Rules writes the one table that stands for all policies, in the words of `nft -f`. It replaces the table before it in one
// transaction. What the node itself says to a pod is always allowed, as everywhere in Kubernetes: probes are that.
func (c Cluster) Rules() string {
	var chains, into, out strings.Builder
	for _, pod := range c.addressed() {
		for _, d := range directions {
			selecting := c.selecting(pod, d.kind)
			if len(selecting) == 0 {
				continue
			}
			chain := d.chain + "_" + strings.ReplaceAll(pod.Status.PodIP, ".", "_")
			fmt.Fprintf(&chains, "\tchain %s { # %s/%s\n", chain, pod.Namespace, pod.Name)
			fmt.Fprintf(&chains, "\t\tip %s %s return\n", d.peer, pod.Status.PodIP) // nobody is kept from itself
			for _, policy := range selecting {
				for _, rule := range d.rules(policy) {
					for _, match := range c.matches(policy.Namespace, rule, pod, d) {
						fmt.Fprintf(&chains, "\t\t%sreturn # %s\n", match, policy.Name)
					}
				}
			}
			chains.WriteString("\t\tcounter drop\n\t}\n")
			jump := fmt.Sprintf("\t\tip %s %s jump %s\n", d.self, pod.Status.PodIP, chain)
			into.WriteString(jump)
			if d.kind == networking.PolicyTypeEgress {
				out.WriteString(jump) // to the node: its DNS, the API
			}
		}
	}
	return "add table inet netpol\ndelete table inet netpol\ntable inet netpol {\n" + chains.String() +
		"\tchain forward {\n\t\ttype filter hook forward priority 0; policy accept;\n\t\tct state established,related accept\n" + into.String() +
		"\t}\n\tchain input {\n\t\ttype filter hook input priority 0; policy accept;\n\t\tct state established,related accept\n" + out.String() +
		"\t}\n}\n"
}

type direction struct {
	kind       networking.PolicyType
	chain      string
	self, peer string // where a packet carries the pod's address, and the other's
	rules      func(*networking.NetworkPolicy) []rule
}

// rule is what ingress and egress rules have in common.
type rule struct {
	peers []networking.NetworkPolicyPeer
	ports []networking.NetworkPolicyPort
}

var directions = []direction{
	{networking.PolicyTypeIngress, "in", "daddr", "saddr", func(p *networking.NetworkPolicy) (rules []rule) {
		for _, r := range p.Spec.Ingress {
			rules = append(rules, rule{r.From, r.Ports})
		}
		return rules
	}},
	{networking.PolicyTypeEgress, "out", "saddr", "daddr", func(p *networking.NetworkPolicy) (rules []rule) {
		for _, r := range p.Spec.Egress {
			rules = append(rules, rule{r.To, r.Ports})
		}
		return rules
	}},
}

// addressed are the pods that have an address of their own, in an order that does not change. An address is its newest pod's:
// it is given away again before a deleted pod is gone from the API.
func (c Cluster) addressed() []*core.Pod {
	newest := map[string]*core.Pod{}
	for _, p := range c.Pods {
		ip, ended := p.Status.PodIP, p.Status.Phase == core.PodSucceeded || p.Status.Phase == core.PodFailed
		if ip == "" || p.Spec.HostNetwork || ended {
			continue
		}
		if before := newest[ip]; before == nil || before.CreationTimestamp.Before(&p.CreationTimestamp) {
			newest[ip] = p
		}
	}
	pods := slices.Collect(maps.Values(newest))
	sort.Slice(pods, func(i, j int) bool { return pods[i].Status.PodIP < pods[j].Status.PodIP })
	return pods
}

func (c Cluster) selecting(pod *core.Pod, kind networking.PolicyType) []*networking.NetworkPolicy {
	var selecting []*networking.NetworkPolicy
	for _, p := range c.Policies {
		if p.Namespace != pod.Namespace || !selects(&p.Spec.PodSelector, pod.Labels) {
			continue
		}
		for _, t := range p.Spec.PolicyTypes { // the API server has filled them in
			if t == kind {
				selecting = append(selecting, p)
			}
		}
	}
	sort.Slice(selecting, func(i, j int) bool { return selecting[i].Name < selecting[j].Name })
	return selecting
}

// matches are the nft matches of one rule for one pod, each ending in a blank; an empty one matches everything.
func (c Cluster) matches(namespace string, r rule, pod *core.Pod, d direction) []string {
	type peer struct {
		match string
		pod   *core.Pod // nil when it is no pod of ours
	}
	var peers []peer
	if len(r.peers) == 0 {
		peers = append(peers, peer{})
		if d.kind == networking.PolicyTypeEgress && named(r.ports) { // a port's name means another number in each pod
			for _, p := range c.addressed() {
				peers = append(peers, peer{fmt.Sprintf("ip %s %s ", d.peer, p.Status.PodIP), p})
			}
		}
	}
	for _, p := range r.peers {
		if b := p.IPBlock; b != nil {
			match := fmt.Sprintf("ip %s %s ", d.peer, b.CIDR)
			if len(b.Except) > 0 {
				match += fmt.Sprintf("ip %s != { %s } ", d.peer, strings.Join(b.Except, ", "))
			}
			peers = append(peers, peer{match, nil})
			continue
		}
		for _, other := range c.addressed() {
			if c.isPeer(namespace, p, other) {
				peers = append(peers, peer{fmt.Sprintf("ip %s %s ", d.peer, other.Status.PodIP), other})
			}
		}
	}
	var matches []string
	for _, p := range peers {
		listening := pod
		if d.kind == networking.PolicyTypeEgress {
			listening = p.pod
		}
		for _, port := range portMatches(r.ports, listening) {
			matches = append(matches, p.match+port)
		}
	}
	return matches
}

func (c Cluster) isPeer(namespace string, p networking.NetworkPolicyPeer, pod *core.Pod) bool {
	if p.NamespaceSelector == nil {
		if pod.Namespace != namespace {
			return false
		}
	} else if !selects(p.NamespaceSelector, c.labelsOf(pod.Namespace)) {
		return false
	}
	return p.PodSelector == nil || selects(p.PodSelector, pod.Labels)
}

func (c Cluster) labelsOf(namespace string) map[string]string {
	for _, n := range c.Namespaces {
		if n.Name == namespace {
			return n.Labels
		}
	}
	return nil
}

func selects(s *meta.LabelSelector, of map[string]string) bool {
	selector, err := meta.LabelSelectorAsSelector(s)
	return err == nil && selector.Matches(labels.Set(of)) // the API server refuses selectors that are none
}

func named(ports []networking.NetworkPolicyPort) bool {
	for _, p := range ports {
		if p.Port != nil && p.Port.Type == intstr.String {
			return true
		}
	}
	return false
}

func portMatches(ports []networking.NetworkPolicyPort, listening *core.Pod) []string {
	if len(ports) == 0 {
		return []string{""}
	}
	var matches []string
	for _, p := range ports {
		protocol := core.ProtocolTCP
		if p.Protocol != nil {
			protocol = *p.Protocol
		}
		word := strings.ToLower(string(protocol))
		switch {
		case p.Port == nil:
			matches = append(matches, "meta l4proto "+word+" ")
		case p.Port.Type == intstr.String:
			for _, number := range namedPort(listening, p.Port.StrVal, protocol) {
				matches = append(matches, fmt.Sprintf("%s dport %d ", word, number))
			}
		case p.EndPort != nil:
			matches = append(matches, fmt.Sprintf("%s dport %d-%d ", word, p.Port.IntVal, *p.EndPort))
		default:
			matches = append(matches, fmt.Sprintf("%s dport %d ", word, p.Port.IntVal))
		}
	}
	return matches
}

func namedPort(pod *core.Pod, name string, protocol core.Protocol) []int32 {
	if pod == nil {
		return nil
	}
	var numbers []int32
	for _, c := range pod.Spec.Containers {
		for _, p := range c.Ports {
			if p.Name == name && (p.Protocol == protocol || p.Protocol == "" && protocol == core.ProtocolTCP) {
				numbers = append(numbers, p.ContainerPort)
			}
		}
	}
	return numbers
}
