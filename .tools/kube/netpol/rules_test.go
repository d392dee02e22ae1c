package netpol

import (
	"os/exec"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func pod(namespace, name, ip string, labels map[string]string, ports ...core.ContainerPort) *core.Pod {
	return &core.Pod{
		ObjectMeta: meta.ObjectMeta{Namespace: namespace, Name: name, Labels: labels},
		Spec:       core.PodSpec{Containers: []core.Container{{Ports: ports}}},
		Status:     core.PodStatus{PodIP: ip, Phase: core.PodRunning},
	}
}

func policy(name string, spec networking.NetworkPolicySpec) *networking.NetworkPolicy {
	return &networking.NetworkPolicy{ObjectMeta: meta.ObjectMeta{Namespace: "shop", Name: name}, Spec: spec}
}

func app(name string) map[string]string { return map[string]string{"app": name} }

func only(name string) meta.LabelSelector { return meta.LabelSelector{MatchLabels: app(name)} }

func port(p intstr.IntOrString) []networking.NetworkPolicyPort {
	return []networking.NetworkPolicyPort{{Port: &p}}
}

var (
	in   = []networking.PolicyType{networking.PolicyTypeIngress}
	out  = []networking.PolicyType{networking.PolicyTypeEgress}
	both = append(in, out...)
)

// Each rule is held against the chains that it must become, without the comments.
func TestRules(t *testing.T) {
	edge := pod("shop", "edge", "10.0.0.1", app("edge"))
	jobs := pod("shop", "jobs", "10.0.0.2", app("jobs"), core.ContainerPort{Name: "grpc", ContainerPort: 9101})
	scraper := pod("watch", "scraper", "10.0.0.3", app("scraper"))
	ended := pod("shop", "ended", "10.0.0.1", app("jobs"))
	ended.Status.Phase = core.PodSucceeded
	host := pod("shop", "host", "10.243.0.1", app("jobs"))
	host.Spec.HostNetwork = true
	watch := &core.Namespace{ObjectMeta: meta.ObjectMeta{Name: "watch", Labels: map[string]string{"team": "ops"}}}
	end := int32(9200)
	udp := core.ProtocolUDP

	for name, c := range map[string]struct {
		spec networking.NetworkPolicySpec
		want string // of all chains, the lines that decide; every chain ends in a drop
	}{
		"deny all": {networking.NetworkPolicySpec{PodSelector: only("jobs"), PolicyTypes: both}, `
			in_10_0_0_2
			out_10_0_0_2`},
		"a pod by its label and a port by its name": {networking.NetworkPolicySpec{PodSelector: only("jobs"), PolicyTypes: in,
			Ingress: []networking.NetworkPolicyIngressRule{{
				From: []networking.NetworkPolicyPeer{{PodSelector: ptr(only("edge"))}}, Ports: port(intstr.FromString("grpc"))}}}, `
			in_10_0_0_2
			ip saddr 10.0.0.1 tcp dport 9101 return`},
		"a port by its name is the other pod's on the way out": {networking.NetworkPolicySpec{PodSelector: only("edge"), PolicyTypes: out,
			Egress: []networking.NetworkPolicyEgressRule{{Ports: port(intstr.FromString("grpc"))}}}, `
			out_10_0_0_1
			ip daddr 10.0.0.2 tcp dport 9101 return`},
		"a label means pods of the same namespace": {networking.NetworkPolicySpec{PodSelector: only("jobs"), PolicyTypes: in,
			Ingress: []networking.NetworkPolicyIngressRule{{From: []networking.NetworkPolicyPeer{{PodSelector: ptr(only("scraper"))}}}}}, `
			in_10_0_0_2`},
		"another namespace by its label": {networking.NetworkPolicySpec{PodSelector: only("jobs"), PolicyTypes: in,
			Ingress: []networking.NetworkPolicyIngressRule{{From: []networking.NetworkPolicyPeer{
				{NamespaceSelector: &meta.LabelSelector{MatchLabels: watch.Labels}, PodSelector: ptr(only("scraper"))}}}}}, `
			in_10_0_0_2
			ip saddr 10.0.0.3 return`},
		"a block with a hole, a range and UDP": {networking.NetworkPolicySpec{PodSelector: only("edge"), PolicyTypes: out,
			Egress: []networking.NetworkPolicyEgressRule{{
				To: []networking.NetworkPolicyPeer{{IPBlock: &networking.IPBlock{CIDR: "10.0.0.0/8", Except: []string{"10.1.0.0/16", "10.2.0.0/16"}}}},
				Ports: []networking.NetworkPolicyPort{
					{Port: ptr(intstr.FromInt32(9100)), EndPort: &end}, {Port: ptr(intstr.FromInt32(53)), Protocol: &udp}, {Protocol: &udp}}}}}, `
			out_10_0_0_1
			ip daddr 10.0.0.0/8 ip daddr != { 10.1.0.0/16, 10.2.0.0/16 } tcp dport 9100-9200 return
			ip daddr 10.0.0.0/8 ip daddr != { 10.1.0.0/16, 10.2.0.0/16 } udp dport 53 return
			ip daddr 10.0.0.0/8 ip daddr != { 10.1.0.0/16, 10.2.0.0/16 } meta l4proto udp return`},
		"an empty rule allows everybody": {networking.NetworkPolicySpec{PodSelector: only("edge"), PolicyTypes: out,
			Egress: []networking.NetworkPolicyEgressRule{{}}}, `
			out_10_0_0_1
			return`},
		"nobody is selected": {networking.NetworkPolicySpec{PodSelector: only("nobody"), PolicyTypes: both}, ``},
	} {
		t.Run(name, func(t *testing.T) {
			rules := Cluster{
				Pods:       []*core.Pod{edge, jobs, scraper, ended, host},
				Namespaces: []*core.Namespace{watch},
				Policies:   []*networking.NetworkPolicy{policy("p", c.spec)},
			}.Rules()
			var got []string
			for _, line := range strings.Split(rules, "\n") {
				line, _, _ = strings.Cut(strings.TrimSpace(line), " #")
				chain, isChain := strings.CutPrefix(strings.TrimSuffix(line, " {"), "chain ")
				own := strings.HasSuffix(line, "10.0.0.1 return") && len(got) > 0 && strings.HasSuffix(got[len(got)-1], "_10_0_0_1") ||
					strings.HasSuffix(line, "10.0.0.2 return") && len(got) > 0 && strings.HasSuffix(got[len(got)-1], "_10_0_0_2")
				switch {
				case isChain && chain != "forward" && chain != "input":
					got = append(got, chain)
				case strings.HasSuffix(line, "return") && !own:
					got = append(got, line)
				}
			}
			if want := strings.Fields(strings.ReplaceAll(strings.TrimSpace(c.want), " ", "·")); strings.ReplaceAll(strings.Join(got, "\n"), " ", "·") != strings.Join(want, "\n") {
				t.Errorf("got\n%s\nwant\n%s\nof\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"), rules)
			}
			check(t, rules)
		})
	}
}

// check asks nft whether it would take the rules, where it is installed.
func check(t *testing.T, rules string) {
	nft, err := exec.LookPath("nft")
	if err != nil {
		return
	}
	command := exec.Command("unshare", "--net", nft, "--check", "-f", "-")
	command.Stdin = strings.NewReader(rules)
	if said, err := command.CombinedOutput(); err != nil && !strings.Contains(string(said), "Operation not permitted") {
		t.Errorf("nft: %v: %s\n%s", err, said, rules)
	}
}

func ptr[T any](v T) *T { return &v }
