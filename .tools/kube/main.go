// kube is a whole Kubernetes cluster's programs in one binary, for the node that the chart is proved on. One binary is linked
// once instead of nine times, and has one go.sum. The name it is called by says which program it is:
//
//	etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl   the real ones
//	dns        CoreDNS with the few plugins that a cluster needs
//	registry   a registry for images; it holds the pause image from the start
//	push       puts an OCI layout, a docker archive or a bare program into a registry
//	netpol     puts every NetworkPolicy of the cluster into nftables, and keeps it there
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"

	"filmgate.dev/tools/kube/netpol"
)

func main() {
	name := filepath.Base(os.Args[0])
	if name == "kube" { // `kube etcd …`, where there are no links
		if len(os.Args) < 2 {
			fmt.Fprintln(os.Stderr, "usage: kube PROGRAM …, where PROGRAM is etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubelet, kube-proxy, kubectl, dns, registry, push or netpol")
			os.Exit(2)
		}
		os.Args = os.Args[1:]
		name = os.Args[0]
	}
	switch name {
	case "etcd":
		etcdmain.Main(os.Args)
	case "kube-apiserver":
		run(apiserver.NewAPIServerCommand())
	case "kube-controller-manager":
		run(controllermanager.NewControllerManagerCommand())
	case "kube-scheduler":
		run(scheduler.NewSchedulerCommand())
	case "kubelet":
		run(kubelet.NewKubeletCommand(context.Background()))
	case "kube-proxy":
		run(proxy.NewProxyCommand())
	case "kubectl":
		run(kubectl.NewDefaultKubectlCommand())
	case "dns":
		ours(dns, "COREFILE", 1)
	case "registry":
		ours(serveRegistry, "ADDRESS FOLDER PAUSE, where PAUSE is the pause program", 3)
	case "push":
		ours(push, "IMAGE REFERENCE, such as .bin/images/studio localhost:5000/filmgate/studio:dev", 2)
	case "netpol":
		ours(netpol.Run, "KUBECONFIG", 1)
	default:
		fmt.Fprintf(os.Stderr, "kube: there is no program %q in here\n", name)
		os.Exit(2)
	}
}

func run(c *cobra.Command) { os.Exit(cli.Run(c)) }

// ours runs one of the programs that are written here, until it is done or told to stop.
func ours(program func(context.Context, []string) error, usage string, arguments int) {
	if len(os.Args) != 1+arguments {
		fmt.Fprintf(os.Stderr, "usage: %s %s\n", os.Args[0], usage)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := program(ctx, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", filepath.Base(os.Args[0]), err)
		os.Exit(1)
	}
}
