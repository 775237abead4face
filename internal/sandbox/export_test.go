package sandbox

// WithLandlockOnly makes h behave as on a machine without user namespaces.
func (h *Host) WithLandlockOnly() {
	all := h.probe()
	h.probing = func() measures { return measures{Landlock: all.Landlock} }
}
