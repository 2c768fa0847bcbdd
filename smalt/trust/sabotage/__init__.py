"""Every check has been seen to fail: controls are broken one by one in throw-away installations, never in a real one."""
