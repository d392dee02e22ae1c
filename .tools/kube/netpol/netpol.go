package netpol

import (
	"context"
	"fmt"
	"log"
	"os/exec"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

// settle is how long a change waits for those that come with it: a rollout is dozens.
const settle = 100 * time.Millisecond

// Run keeps nftables in step with the cluster until ctx ends. Like most enforcers it needs to hear of a pod's address before
// it can hold the pod to a policy: in its first moments a new pod may talk to everybody.
func Run(ctx context.Context, args []string) error {
	config, err := clientcmd.BuildConfigFromFlags("", args[0])
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	watched := informers.NewSharedInformerFactory(client, 0)
	pods, namespaces, policies := watched.Core().V1().Pods(), watched.Core().V1().Namespaces(), watched.Networking().V1().NetworkPolicies()
	changed := make(chan struct{}, 1)
	change := func(any) {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	for _, informer := range []cache.SharedIndexInformer{pods.Informer(), namespaces.Informer(), policies.Informer()} {
		_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: change, UpdateFunc: func(_, now any) { change(now) }, DeleteFunc: change})
		if err != nil {
			return err
		}
	}
	watched.Start(ctx.Done())
	watched.WaitForCacheSync(ctx.Done())

	var enforced string
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(settle):
		}
		var c Cluster
		if c.Pods, err = pods.Lister().List(labels.Everything()); err != nil {
			return err
		}
		if c.Namespaces, err = namespaces.Lister().List(labels.Everything()); err != nil {
			return err
		}
		if c.Policies, err = policies.Lister().List(labels.Everything()); err != nil {
			return err
		}
		rules := c.Rules()
		if rules == enforced {
			continue
		}
		if err := apply(ctx, rules); err != nil {
			return err
		}
		enforced = rules
		log.Printf("%d policies are enforced, %d pods seen", len(c.Policies), len(c.Pods))
	}
}

func apply(ctx context.Context, rules string) error {
	nft := exec.CommandContext(ctx, "nft", "-f", "-")
	nft.Stdin = strings.NewReader(rules)
	if said, err := nft.CombinedOutput(); err != nil {
		return fmt.Errorf("nft refuses the rules: %w: %s\n%s", err, said, rules)
	}
	return nil
}
