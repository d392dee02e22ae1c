package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx/v2/common"
	spdx "github.com/spdx/tools-golang/spdx/v2/v2_3"
)

// spdxType is the media type of a bill of materials.
const spdxType = "application/spdx+json"

const rootsModule = "golang.org/x/crypto/x509roots/fallback"

// bill lists what is in a program's image, as SPDX: what the binary itself says that it was linked from, Go's standard
// library, and the certificate authorities beside it.
func bill(s service, program *binary, platform v1.Platform, r release) ([]byte, error) {
	sum := sha256.Sum256(program.bytes)
	digest := hex.EncodeToString(sum[:])
	root := &spdx.Package{
		PackageName: s.name, PackageVersion: r.version, PackageSPDXIdentifier: "Package-" + common.ElementID(s.name),
		PackageDownloadLocation: "NOASSERTION", PackageLicenseConcluded: "Apache-2.0", PackageLicenseDeclared: "Apache-2.0",
		PackageCopyrightText: "NOASSERTION", PrimaryPackagePurpose: "APPLICATION", PackageFileName: "/" + s.name,
		PackageChecksums: []common.Checksum{{Algorithm: common.SHA256, Value: digest}},
		PackageComment:   "for " + platform.String() + ", by " + program.built.GoVersion,
	}
	document := &spdx.Document{
		SPDXVersion: spdx.Version, DataLicense: spdx.DataLicense, SPDXIdentifier: "DOCUMENT",
		DocumentName:      s.name + " " + r.version + " " + platform.String(),
		DocumentNamespace: r.source + "/spdx/" + s.name + "-" + r.version + "-" + digest,
		CreationInfo: &spdx.CreationInfo{
			Created:  r.created.Format(time.RFC3339),
			Creators: []common.Creator{{CreatorType: "Tool", Creator: "filmgate-images"}},
		},
		Packages:      []*spdx.Package{root},
		Relationships: []*spdx.Relationship{relation("DOCUMENT", common.TypeRelationshipDescribe, root.PackageSPDXIdentifier)},
	}
	parts := []*spdx.Package{part("stdlib", strings.TrimPrefix(program.built.GoVersion, "go"), "")}
	for _, module := range program.built.Deps {
		parts = append(parts, dependency(module, r))
	}
	if own, ok := debug.ReadBuildInfo(); ok {
		if at := slices.IndexFunc(own.Deps, func(m *debug.Module) bool { return m.Path == rootsModule }); at >= 0 {
			parts = append(parts, dependency(own.Deps[at], r))
		}
	}
	for _, p := range parts {
		document.Packages = append(document.Packages, p)
		document.Relationships = append(document.Relationships,
			relation(root.PackageSPDXIdentifier, common.TypeRelationshipDependsOn, p.PackageSPDXIdentifier))
	}
	var out bytes.Buffer
	if err := spdxjson.Write(document, &out); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// dependency answers a module as a package. Modules of this checkout have no version of their own but the release's.
func dependency(module *debug.Module, r release) *spdx.Package {
	if module.Replace == nil {
		return part(module.Path, module.Version, module.Sum)
	}
	if strings.HasPrefix(module.Replace.Path, ".") {
		p := part(module.Path, r.version, "")
		p.PackageLicenseDeclared = "Apache-2.0"
		return p
	}
	return part(module.Replace.Path, module.Replace.Version, module.Replace.Sum)
}

func part(path, version, sum string) *spdx.Package {
	p := &spdx.Package{
		PackageName: path, PackageVersion: version, PackageSPDXIdentifier: "Package-" + identifier(path),
		PackageDownloadLocation: "NOASSERTION", PackageLicenseConcluded: "NOASSERTION", PackageLicenseDeclared: "NOASSERTION",
		PackageCopyrightText: "NOASSERTION", PrimaryPackagePurpose: "LIBRARY",
		PackageExternalReferences: []*spdx.PackageExternalReference{{
			Category: common.CategoryPackageManager, RefType: common.TypePackageManagerPURL,
			Locator: "pkg:golang/" + path + "@" + version,
		}},
	}
	if sum != "" {
		p.PackageComment = "go.sum " + sum
	}
	return p
}

// identifiers of SPDX are letters, digits, dots and dashes.
var foreign = regexp.MustCompile(`[^A-Za-z0-9.-]+`)

func identifier(path string) common.ElementID {
	return common.ElementID(foreign.ReplaceAllString(path, "-"))
}

func relation(from common.ElementID, kind string, to common.ElementID) *spdx.Relationship {
	return &spdx.Relationship{
		RefA: common.DocElementID{ElementRefID: from}, Relationship: kind, RefB: common.DocElementID{ElementRefID: to},
	}
}
