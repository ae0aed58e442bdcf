"""Commands of the lock-in amplifier; modulators and demodulators count from 1."""

TABLE = """
LockIn.ModOnOffSet | mod:i; on:I | -
LockIn.ModOnOffGet | mod:i | on:I
LockIn.ModSignalSet | mod:i; signal:i | -
LockIn.ModSignalGet | mod:i | signal:i
LockIn.ModPhasRegSet | mod:i; reg:i | -
LockIn.ModPhasRegGet | mod:i | reg:i
LockIn.ModHarmonicSet | mod:i; harmonic:i | -
LockIn.ModHarmonicGet | mod:i | harmonic:i
LockIn.ModPhasSet | mod:i; phase:f deg | -
LockIn.ModPhasGet | mod:i | phase:f deg
LockIn.ModAmpSet | mod:i; amp:f | -
LockIn.ModAmpGet | mod:i | amp:f
LockIn.ModPhasFreqSet | mod:i; freq:d Hz | -
LockIn.ModPhasFreqGet | mod:i | freq:d Hz
LockIn.DemodSignalSet | demod:i; signal:i | -
LockIn.DemodSignalGet | demod:i | signal:i
LockIn.DemodHarmonicSet | demod:i; harmonic:i | -
LockIn.DemodHarmonicGet | demod:i | harmonic:i
LockIn.DemodHPFilterSet | demod:i; order:i; cutoff:f Hz | -
LockIn.DemodHPFilterGet | demod:i | order:i; cutoff:f Hz
LockIn.DemodLPFilterSet | demod:i; order:i; cutoff:f Hz | -
LockIn.DemodLPFilterGet | demod:i | order:i; cutoff:f Hz
LockIn.DemodPhasRegSet | demod:i; reg:i | -
LockIn.DemodPhasRegGet | demod:i | reg:i
LockIn.DemodPhasSet | demod:i; phase:f deg | -
LockIn.DemodPhasGet | demod:i | phase:f deg
LockIn.DemodSyncFilterSet | demod:i; on:I | -
LockIn.DemodSyncFilterGet | demod:i | on:I
LockIn.DemodRTSignalsSet | demod:i; kind:I | -
LockIn.DemodRTSignalsGet | demod:i | kind:I
"""
