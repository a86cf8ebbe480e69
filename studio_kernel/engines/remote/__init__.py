"""What engines of remote services share: one job from request to files, never lost and never paid twice.

``service`` says what a service has to do for it, ``job`` is the life of a job, ``http`` how it is talked to,
``download`` how files are fetched, ``polling`` how often it is asked, ``throttle`` how many jobs it is given at a time,
``answers`` what its answers hold, ``uploads`` which files it has already, ``speech`` what its log lines tell. A service
itself is a package beside this one.
"""
